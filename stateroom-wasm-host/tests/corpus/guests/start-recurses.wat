;; Recurses forever in its start function.
;;
;; outcome: refused: failed to start: trap: wasm trap: call stack exhausted
(func $start (call $start) (call $start))
(start $start)
