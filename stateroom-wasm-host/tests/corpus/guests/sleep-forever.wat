;; Sleeps for 292 years.
;;
;; outcome: message: time_budget: an event exceeded its time budget of 1 s
(data (i32.const 256)
  "\00\00\00\00\00\00\00\00" "\00\00\00\00\00\00\00\00" "\01\00\00\00\00\00\00\00"
  "\ff\ff\ff\ff\ff\ff\ff\7f" "\00\00\00\00\00\00\00\00" "\00\00\00\00\00\00\00\00")
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (if (i32.eq (i32.load (local.get $event)) (i32.const 3)) (then
    (drop (call $poll (i32.const 256) (i32.const 512) (i32.const 1) (i32.const 1024))))))
