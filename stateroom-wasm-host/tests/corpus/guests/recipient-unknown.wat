;; Sends a message to an unknown kind of recipient.
;;
;; outcome: message: bad_message: the guest sent an invalid message
(data (i32.const 256) "\00\00\00\00" "\03\00\00\00" "\00\00\00\00")
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (if (i32.eq (i32.load (local.get $event)) (i32.const 3)) (then
    (call $send (i32.const 256) (i32.const 12)))))
