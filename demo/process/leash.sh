# usage: sh leash.sh SIGNAL PID [FOLDER]
# Waits for the end of a pipe on stdin that only one process holds. A word on the pipe means "all is well"; its end
# without a word means that the holder died by a signal nobody can catch: then PID is ended in its place.
read -r word && exit 0
kill -s "$1" "$2" 2>/dev/null

# A zombie is gone too: it only waits to be counted, which in a container without an init may take for ever.
gone() {
  kill -0 "$1" 2>/dev/null || return 0
  case $(cat "/proc/$1/stat" 2>/dev/null) in *") Z "*) return 0 ;; esac
  return 1
}

tries=100
until gone "$2"; do
  tries=$((tries - 1))
  [ "$tries" -gt 0 ] || { kill -s KILL "$2" 2>/dev/null; break; }
  sleep 0.1
done
[ -z "$3" ] || rm -rf "$3"
