#!/usr/bin/env bash
# Runs a command beside a Slurm of its own: one node, this machine, in a temporary folder; it is gone when the command
# ends. SLURM_CONF names it, and ANTARES_LEGACY_TEST_SLURM is set.
#
#   tests/real/slurm.sh .venv/bin/pytest -m real tests/real/test_slurm.py
#
# Without Slurm: installs Debian's packages when run by root on a machine with apt, and nothing else. The command runs
# in any case: without Slurm its tests skip, or fail when CI=true.
set -euo pipefail

if ! { command -v slurmctld && command -v slurmd && command -v sbatch; } >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  # RUNLEVEL=1 keeps the packages from starting daemons of the machine's own.
  {
    apt-get update -qq &&
      RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends slurmctld slurmd slurm-client
  } >&2 || echo "apt-get could not install Slurm" >&2
fi
if ! { command -v slurmctld && command -v slurmd && command -v sbatch; } >/dev/null || [ "$(id -u)" != 0 ]; then
  echo "no Slurm, or nobody who may start it: the tests with it are left out" >&2
  exec "$@"
fi

folder=$(mktemp -d "${TMPDIR:-/tmp}/antares-slurm.XXXXXX")
stop() {
  for daemon in slurmd slurmctld; do
    [ ! -s "$folder/$daemon.pid" ] || kill "$(cat "$folder/$daemon.pid")" 2>/dev/null || true
  done
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    [ -s "$folder/slurmd.pid" ] || [ -s "$folder/slurmctld.pid" ] || break
    sleep 0.3
  done
  rm -rf "$folder"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

mkdir "$folder/state" "$folder/spool"
port=$((20000 + ($(od -An -N2 -tu2 /dev/urandom) % 5000) * 2))
node=$(hostname -s)
# One machine and one user: no authentication, no accounting, no control groups. sps stands for a storage.
cat >"$folder/slurm.conf" <<CONF
ClusterName=practice
SlurmctldHost=$node(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/none
CredType=cred/none
SlurmctldPort=$port
SlurmdPort=$((port + 1))
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SchedulerParameters=sched_interval=1,sched_min_interval=0
Licenses=sps:2
ReturnToService=2
MpiDefault=none
NodeName=$node NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=2048 State=UNKNOWN
PartitionName=htc Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
export SLURM_CONF="$folder/slurm.conf"
slurmctld -c
slurmd -c

for _ in $(seq 60); do
  if sinfo --noheader --format=%T 2>/dev/null | grep -q idle; then
    ANTARES_LEGACY_TEST_SLURM=1
    export ANTARES_LEGACY_TEST_SLURM
    break
  fi
  sleep 0.5
done
if [ -z "${ANTARES_LEGACY_TEST_SLURM:-}" ]; then
  tail -n 20 "$folder/slurmctld.log" "$folder/slurmd.log" >&2 || true
  [ "${CI:-}" != true ]
fi

"$@"
