;; Requests random numbers into memory that it does not have, for which WASI returns an error.
;;
;; outcome: lives: 0 effects
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (if (i32.eq (i32.load (local.get $event)) (i32.const 3)) (then
    (drop (call $random (i32.const 131071) (i32.const 2))))))
