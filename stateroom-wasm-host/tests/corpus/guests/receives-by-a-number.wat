;; Exports a number where events are to go.
;;
;; outcome: refused: exports `stateroom_recv` as a global
(global (export "stateroom_recv") i32 (i32.const 0))
