;; Wants to send by another type.
;;
;; outcome: refused: imports something by a type that it does not have
(import "env" "stateroom_send" (func (param i64)))
