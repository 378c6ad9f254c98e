;; Sends zero bytes from the end of its memory, which is in bounds.
;;
;; outcome: message: bad_message: the guest sent an invalid message
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (if (i32.eq (i32.load (local.get $event)) (i32.const 3)) (then
    (call $send (i32.const 131072) (i32.const 0)))))
