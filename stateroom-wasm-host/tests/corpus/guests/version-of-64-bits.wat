;; Says where its version is by a number of another type.
;;
;; outcome: refused: exports `STATEROOM_API_VERSION` as
(global (export "STATEROOM_API_VERSION") i64 (i64.const 8))
