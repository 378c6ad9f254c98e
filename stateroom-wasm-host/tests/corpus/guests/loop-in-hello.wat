;; Never answers the greeting.
;;
;; outcome: no room: cpu_budget: an event used more than its cpu budget of 0.05 s
(func (export "stateroom_hello") (param i32 i32) (result i64) (loop $again (br $again)) unreachable)
