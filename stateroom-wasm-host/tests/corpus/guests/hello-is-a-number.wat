;; Exports the greeting as something that cannot be called.
;;
;; outcome: refused: export `stateroom_hello` is
(global (export "stateroom_hello") i32 (i32.const 0))
