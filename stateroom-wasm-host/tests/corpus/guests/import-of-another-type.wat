;; Imports `stateroom_send` with another type.
;;
;; outcome: refused: an import has the wrong type
(import "env" "stateroom_send" (func (param i64)))
