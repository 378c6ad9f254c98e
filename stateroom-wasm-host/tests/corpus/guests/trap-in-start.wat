;; Traps in its start function.
;;
;; outcome: refused: failed to start: trap: wasm trap: wasm `unreachable`
(func $start unreachable)
(start $start)
