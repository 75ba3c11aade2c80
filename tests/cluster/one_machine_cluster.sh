#!/usr/bin/env bash
# Runs a command beside a real Slurm on this machine: munged, slurmctld and slurmd on loopback, everything in a directory of
# its own, nothing of the system's own Slurm touched, all ended again. Usage: one_machine_cluster.sh COMMAND [WORDS...]
#
# The command finds the cluster by SLURM_CONF. Partitions: main (default, preemptible without grace) and urgent, which
# preempts it. Needs Debian's slurmctld, slurmd, slurm-client and munge; without them the command runs without SLURM_CONF.
set -uo pipefail

for program in munged slurmctld slurmd sbatch; do
  command -v "$program" >/dev/null || { echo "no $program here: apt-get install slurmctld slurmd slurm-client munge"; exec "$@"; }
done

home=$(mktemp -d)
chmod 755 "$home"
mkdir "$home/state" "$home/spool"
head -c 128 /dev/urandom >"$home/munge.key"
chmod 600 "$home/munge.key"
host=$(hostname -s) user=$(id -un) port=$((20000 + $$ % 20000))
cat >"$home/slurm.conf" <<CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$home/munge.sock,cred_expire=5
StateSaveLocation=$home/state
SlurmdSpoolDir=$home/spool
SlurmctldPidFile=$home/slurmctld.pid
SlurmdPidFile=$home/slurmd.pid
SlurmctldLogFile=$home/slurmctld.log
SlurmdLogFile=$home/slurmd.log
MailProg=/bin/true
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
SlurmctldParameters=preempt_send_user_signal
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
KillWait=30
MinJobAge=600
NodeName=$host NodeAddr=127.0.0.1 CPUs=4 RealMemory=1000
PartitionName=main Nodes=$host Default=YES MaxTime=60 PriorityTier=1
PartitionName=urgent Nodes=$host MaxTime=60 PriorityTier=10 PreemptMode=OFF
CONF
export SLURM_CONF=$home/slurm.conf

daemons=()
down() {
  scancel --user="$user" 2>/dev/null
  for ((i = ${#daemons[@]} - 1; i >= 0; i--)); do
    kill "${daemons[i]}" 2>/dev/null
    wait "${daemons[i]}" 2>/dev/null
  done
  rm -rf "$home"
}
trap down EXIT
trap 'exit 143' TERM INT

munged -F --key-file="$home/munge.key" --socket="$home/munge.sock" --pid-file="$home/munged.pid" \
  --seed-file="$home/munged.seed" >"$home/munged.log" 2>&1 &
daemons+=($!)
for _ in {1..200}; do [ -S "$home/munge.sock" ] && break; sleep 0.05; done
slurmctld -D >/dev/null 2>&1 &
daemons+=($!)
slurmd -D >/dev/null 2>&1 &
daemons+=($!)
for _ in {1..300}; do [ "$(sinfo -h -p main -o %T 2>/dev/null)" = idle ] && break; sleep 0.1; done
if [ "$(sinfo -h -p main -o %T)" != idle ]; then
  echo "the cluster did not come up:"
  tail -n 40 "$home"/*.log
  exit 1
fi
echo "one-machine Slurm $(sinfo --version | cut -d' ' -f2) is up after $SECONDS s"
"$@"
