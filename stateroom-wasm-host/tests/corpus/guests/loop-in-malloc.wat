;; Computes forever in `stateroom_malloc`.
;;
;; outcome: init: cpu_budget: an event exceeded its CPU budget of 0.05 s
(func (export "stateroom_malloc") (param $length i32) (result i32)
  (loop $again (br $again)) unreachable)
