;; Declares an unknown protocol.
;;
;; outcome: refused: uses protocol -1 of the guest interface
(global (export "STATEROOM_API_PROTOCOL") i32 (i32.const 64))
(data (i32.const 64) "\ff\ff\ff\ff")
