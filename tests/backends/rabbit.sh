#!/bin/sh
# A throwaway RabbitMQ on loopback, in the foreground: rabbit.sh FOLDER AMQP_PORT AMQPS_PORT DIST_PORT EPMD_PORT [MANAGEMENT_PORT].
# SIGTERM ends it and its epmd; what it holds stays in FOLDER. Users: guest, maker, and reader, who may not make anything, nor ask the management API.
set -eu
folder=$1 amqp=$2 amqps=$3 dist=$4 epmd=$5 management=${6:-}
mkdir -p "$folder/mnesia" "$folder/log" "$folder/home"

if [ ! -e "$folder/key.pem" ]; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost -keyout "$folder/key.pem" -out "$folder/cert.pem" 2>/dev/null
fi
cat >"$folder/definitions.json" <<END
{"vhosts": [{"name": "/"}, {"name": "other/one"}],
 "users": [{"name": "guest", "password": "guest", "tags": "administrator"},
           {"name": "maker", "password": "let-me-make", "tags": "management"},
           {"name": "reader", "password": "let-me-read", "tags": ""}],
 "permissions": [{"user": "guest", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"},
                 {"user": "guest", "vhost": "other/one", "configure": ".*", "write": ".*", "read": ".*"},
                 {"user": "maker", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"},
                 {"user": "reader", "vhost": "/", "configure": "^$", "write": "^$", "read": ".*"}]}
END
cat >"$folder/rabbitmq.conf" <<END
listeners.tcp.1 = 127.0.0.1:$amqp
listeners.ssl.1 = 127.0.0.1:$amqps
ssl_options.certfile = $folder/cert.pem
ssl_options.keyfile = $folder/key.pem
ssl_options.verify = verify_none
load_definitions = $folder/definitions.json
disk_free_limit.absolute = 50MB
vm_memory_high_watermark.absolute = 512MiB
log.console = true
log.file = false
END
printf '[{kernel, [{inet_dist_use_interface, {127, 0, 0, 1}}]}].\n' >"$folder/advanced.config"
[ -z "$management" ] || printf 'management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = %s\n' "$management" >>"$folder/rabbitmq.conf"
printf '[%s].\n' "${management:+rabbitmq_management}" >"$folder/enabled_plugins"

export HOME="$folder/home" LANG=C.UTF-8 RUNNING_UNDER_SYSTEMD=true
export RABBITMQ_NODENAME="muster$amqp@localhost" RABBITMQ_USE_LONGNAME=false RABBITMQ_CONF_ENV_FILE=/dev/null
export RABBITMQ_DIST_PORT="$dist" ERL_EPMD_PORT="$epmd" ERL_EPMD_ADDRESS=127.0.0.1
export RABBITMQ_CONFIG_FILE="$folder/rabbitmq.conf" RABBITMQ_ADVANCED_CONFIG_FILE="$folder/advanced.config"
export RABBITMQ_ENABLED_PLUGINS_FILE="$folder/enabled_plugins" RABBITMQ_MNESIA_BASE="$folder/mnesia"
export RABBITMQ_LOG_BASE="$folder/log" RABBITMQ_PID_FILE="$folder/pid"
export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none"

# Neither outlives this script, however it ends.
setpriv --pdeathsig KILL epmd -port "$epmd" -address 127.0.0.1 &
mapper=$!
setpriv --pdeathsig KILL /usr/lib/rabbitmq/bin/rabbitmq-server >"$folder/log/console" 2>&1 &
broker=$!
trap 'kill -KILL $broker $mapper 2>/dev/null; wait; exit 0' TERM INT
wait $broker || true
kill -KILL $mapper
exit 1
