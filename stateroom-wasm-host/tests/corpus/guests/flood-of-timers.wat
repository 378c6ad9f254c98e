;; Sets a timer without delay whenever one fires. A room's timers are at least a millisecond apart.
;;
;; outcome: lives: 2 effects
(data (i32.const 256) "\01\00\00\00" "\00\00\00\00")
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (if (i32.or (i32.eqz (i32.load (local.get $event))) (i32.eq (i32.load (local.get $event)) (i32.const 4))) (then
    (call $send (i32.const 256) (i32.const 8)))))
