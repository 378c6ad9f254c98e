;; Has a data segment outside of its memory.
;;
;; outcome: refused: failed to start: trap: wasm trap: out of bounds memory access
(data (i32.const 131070) "\01\02\03")
