;; Declares a version outside of its memory.
;;
;; outcome: refused: `STATEROOM_API_VERSION` is at address 131070, outside of the module's memory
(global (export "STATEROOM_API_VERSION") i32 (i32.const 131070))
