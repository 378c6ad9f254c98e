;; Computes forever in its start function.
;;
;; outcome: refused: failed to start: cpu_budget
(func $spin (loop $again (br $again)))
(start $spin)
