;; Sends bytes that are not an effect in its start function.
;;
;; outcome: refused: failed to start: bad_message: the guest sent an invalid message
(func $start (call $send (i32.const 256) (i32.const 0)))
(start $start)
