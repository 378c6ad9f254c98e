;; Exports the greeting as something that cannot be called.
;;
;; outcome: refused: exports `stateroom_hello` as
(global (export "stateroom_hello") i32 (i32.const 0))
