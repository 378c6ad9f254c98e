;; Requests 4 GiB, is refused, and continues.
;;
;; outcome: lives: 0 effects
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (if (i32.eq (i32.load (local.get $event)) (i32.const 3)) (then
    (drop (memory.grow (i32.const 65535))))))
