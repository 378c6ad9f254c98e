;; Sends all of its memory. It begins like a message, and the rest is ignored.
;;
;; outcome: lives: 2 effects
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (if (i32.eq (i32.load (local.get $event)) (i32.const 3)) (then
    (call $send (i32.const 0) (i32.const 131072)))))
