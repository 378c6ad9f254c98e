;; Exports `stateroom_recv` as a global.
;;
;; outcome: refused: export `stateroom_recv` is a global
(global (export "stateroom_recv") i32 (i32.const 0))
