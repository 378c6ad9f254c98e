;; Computes forever in `stateroom_free`, which a longer event requires.
;;
;; outcome: long message: cpu_budget: an event exceeded its CPU budget of 0.05 s
(func (export "stateroom_free") (param i32 i32)
  (loop $again (br $again)))
