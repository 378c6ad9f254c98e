;; Sleeps forever in its start function.
;;
;; outcome: refused: failed to start: time_budget: an event exceeded its time budget of 1 s
(data (i32.const 256)
  "\00\00\00\00\00\00\00\00" "\00\00\00\00\00\00\00\00" "\01\00\00\00\00\00\00\00"
  "\ff\ff\ff\ff\ff\ff\ff\7f" "\00\00\00\00\00\00\00\00" "\00\00\00\00\00\00\00\00")
(func $start (drop (call $poll (i32.const 256) (i32.const 512) (i32.const 1) (i32.const 1024))))
(start $start)
