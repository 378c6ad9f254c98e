;; Traps in its constructors.
;;
;; outcome: refused: failed to start: trap: wasm trap: wasm `unreachable`
(func (export "_initialize") unreachable)
