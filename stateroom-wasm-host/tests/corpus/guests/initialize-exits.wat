;; Exits in its constructors.
;;
;; outcome: refused: failed to start: trap: the guest exited with code 7
(func (export "_initialize") (call $exit (i32.const 7)))
