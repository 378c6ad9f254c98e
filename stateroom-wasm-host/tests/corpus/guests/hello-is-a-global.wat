;; Exports `stateroom_hello` as a global.
;;
;; outcome: refused: export `stateroom_hello` is
(global (export "stateroom_hello") i32 (i32.const 0))
