;; Traps in `stateroom_hello`.
;;
;; outcome: refused: failed to start: trap: wasm trap: wasm `unreachable`
(func (export "stateroom_hello") (param i32 i32) (result i64) unreachable)
