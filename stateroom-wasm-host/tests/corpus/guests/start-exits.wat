;; Exits in its start function.
;;
;; outcome: refused: failed to start: trap: the guest exited with code 0
(func $start (call $exit (i32.const 0)))
(start $start)
