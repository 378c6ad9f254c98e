;; Sets timers forever.
;;
;; outcome: message: effects: an event produced more than 1000 effects
(data (i32.const 256) "\01\00\00\00" "\e8\03\00\00")
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (if (i32.eq (i32.load (local.get $event)) (i32.const 3)) (then
    (loop $again (call $send (i32.const 256) (i32.const 8)) (br $again)))))
