;; Ends itself in its start function.
;;
;; outcome: refused: failed to start: trap: the guest ended itself with exit code 0
(func $start (call $exit (i32.const 0)))
(start $start)
