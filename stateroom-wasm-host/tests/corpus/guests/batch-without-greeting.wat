;; Accepts batches, but no greeting: receives its events one by one.
;;
;; outcome: lives: 0 effects
(global (export "STATEROOM_EFFECTS") i32 (i32.const 16))
(func (export "stateroom_batch") (param i32 i32) unreachable)
