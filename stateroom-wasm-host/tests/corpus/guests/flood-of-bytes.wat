;; Sends messages of 50 KB forever.
;;
;; outcome: message: effects: an event produced more than 1 MiB of effects
(data (i32.const 256) "\00\00\00\00" "\00\00\00\00" "\00\00\00\00" "\50\c3\00\00\00\00\00\00")
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (if (i32.eq (i32.load (local.get $event)) (i32.const 3)) (then
    (loop $again (call $send (i32.const 256) (i32.const 50020)) (br $again)))))
