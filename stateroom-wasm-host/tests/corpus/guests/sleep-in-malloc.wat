;; Sleeps forever in `stateroom_malloc`.
;;
;; outcome: init: time_budget: an event exceeded its time budget of 1 s
(data (i32.const 256)
  "\00\00\00\00\00\00\00\00" "\00\00\00\00\00\00\00\00" "\01\00\00\00\00\00\00\00"
  "\ff\ff\ff\ff\ff\ff\ff\7f" "\00\00\00\00\00\00\00\00" "\00\00\00\00\00\00\00\00")
(func (export "stateroom_malloc") (param $length i32) (result i32)
  (drop (call $poll (i32.const 256) (i32.const 512) (i32.const 1) (i32.const 1024))) (i32.const 65536))
