;; Exports its version as a global of another type.
;;
;; outcome: refused: export `STATEROOM_API_VERSION` is
(global (export "STATEROOM_API_VERSION") i64 (i64.const 8))
