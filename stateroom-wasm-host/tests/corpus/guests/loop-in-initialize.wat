;; Computes for ever in its constructors.
;;
;; outcome: no room: cpu_budget: an event used more than its cpu budget of 0.05 s
(func (export "_initialize") (loop $again (br $again)))
