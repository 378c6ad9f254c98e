;; Computes forever in `stateroom_hello`.
;;
;; outcome: refused: failed to start: cpu_budget: an event exceeded its CPU budget of 0.05 s
(func (export "stateroom_hello") (param i32 i32) (result i64) (loop $again (br $again)) unreachable)
