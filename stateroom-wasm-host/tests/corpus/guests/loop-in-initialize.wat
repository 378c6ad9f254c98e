;; Computes forever in its constructors.
;;
;; outcome: refused: failed to start: cpu_budget: an event exceeded its CPU budget of 0.05 s
(func (export "_initialize") (loop $again (br $again)))
