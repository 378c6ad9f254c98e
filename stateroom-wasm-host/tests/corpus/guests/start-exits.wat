;; Ends itself in its start function.
;;
;; outcome: refused: failed at its start: trap: the guest ended itself with exit code 0
(func $start (call $exit (i32.const 0)))
(start $start)
