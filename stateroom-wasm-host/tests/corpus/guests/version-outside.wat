;; Says that its version is outside of its memory.
;;
;; outcome: refused: says that `STATEROOM_API_VERSION` is at the address 131070, which is outside of its memory
(global (export "STATEROOM_API_VERSION") i32 (i32.const 131070))
