;; Sets a timer for the longest possible delay.
;;
;; outcome: lives: 2 effects
(data (i32.const 256) "\01\00\00\00" "\ff\ff\ff\ff")
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (if (i32.eq (i32.load (local.get $event)) (i32.const 3)) (then
    (call $send (i32.const 256) (i32.const 8)))))
