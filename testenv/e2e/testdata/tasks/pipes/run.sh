# Student containers from a script without #!, which bash runs: files, codes, words, limits.
say() { printf '[%s]\n' "$*"; "$@"; printf '=%s\n' $?; }
cd student
{
  say run_student true
  say run_student "sh -c 'exit 40'"
  say run_student sh -c "exit 40"
  say run_student "sh -c 'kill -15 \$\$'"
  say run_student echo one "two  three" "'four  five'"
  say run_student
  echo question | say run_student cat
  say run_student --time 2 --hard-time 5 --memory 50 "sh -c 'echo seen >&2; id -u; pwd; echo \$HOME; ulimit -u'"
  say run_student sh ./answer
  say run_student --container nowhere true 2>/dev/null
  say run_student --hard-time 1 sleep 100
  say run_student --teardown-script "touch /task/student/torn" false
  ls torn mark
} > /tmp/said 2>&1
feedback-result success
feedback-msg < /tmp/said
