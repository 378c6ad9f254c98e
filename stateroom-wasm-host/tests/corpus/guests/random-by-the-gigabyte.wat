;; Requests two gigabytes of random numbers, more than its memory has, for which WASI returns an error.
;;
;; outcome: lives: 0 effects
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (if (i32.eq (i32.load (local.get $event)) (i32.const 3)) (then
    (drop (call $random (i32.const 0) (i32.const -2147483648))))))
