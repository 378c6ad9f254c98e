;; Says that its free memory is where its constants are. Only the guest itself is hurt by that.
;;
;; outcome: lives: 0 effects
(func (export "stateroom_malloc") (param i32) (result i32) (i32.const 8))
