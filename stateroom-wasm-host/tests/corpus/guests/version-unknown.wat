;; Declares an unknown version.
;;
;; outcome: refused: built for version 7 of the guest interface
(global (export "STATEROOM_API_VERSION") i32 (i32.const 64))
(data (i32.const 64) "\07\00\00\00")
