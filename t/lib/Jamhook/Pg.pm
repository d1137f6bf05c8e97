package Jamhook::Pg;

# A PostgreSQL server for tests: Debian's, run by an ordinary user, below the
# directory of the test, on a free port of the loopback interface and on a
# socket. It ends with the test, however that ends.
#
#   my $pg = Jamhook::Pg->new;                  a server of the test's own
#   my $pg = Jamhook::Pg->shared;               the one that t/tools/test.sh has
#                                               started for all, or one's own
#   $pg->createdb('a');                         owned by the user jamhook, who is
#                                               no superuser
#   $pg->uri('a');                              postgresql://jamhook@127.0.0.1:..
#   $pg->conninfo('a', user => 'postgres');     host=... port=... dbname=...
#   $pg->rows('a', 'select ...');               hashes, by the superuser
#   $pg->row(...), $pg->value(...), $pg->do('a', 'update ...');
#   $pg->stop; $pg->stop('immediate'); $pg->kill9; $pg->start; $pg->restart;
#   $pg->freeze; $pg->thaw;                     no process of it goes on
#   $pg->terminate('a');                        ends sessions; how many
#   $pg->set(name => 'value', ...);             of all sessions, from now on
#   $pg->log;
#
# new: durable (1: with fsync), conf (lines of postgresql.conf), port, name,
# stopped, faults (1: with faults on its disk and clock, see Jamhook::Faults:
# $pg->faults, and nginx is given the same; "base": on what stands below that,
# the tables' files).
#
# A standby:
#
#   my $pg = Jamhook::Pg->new(durable => 1);
#   my $standby = Jamhook::Pg->new(standby_of => $pg, sync => 1);
#   $pg->kill9;
#   $standby->promote;
#   $pg->follow($standby); $pg->start;         the old one comes back as standby
#
# "sync": the primary waits for it with each commit; new() returns when it does.
# URIs of both: Jamhook::Pg::uri_of('a', $pg, $standby).

use strict;
use warnings;

use Cwd qw(abs_path);
use DBI ();
use File::Basename qw(dirname);
use File::Path qw(make_path remove_tree);
use File::Temp ();
use IO::Socket::INET;
use POSIX ();
use Scalar::Util ();
use Time::HiRes qw(time sleep);

use Jamhook::Env;

# nothing of the machine's own
delete @ENV{grep { /^PG/ } keys %ENV};

my $serial = 0;
my %servers;        # that run, by themselves
my $shared;


# where initdb, postgres and pg_basebackup are: the newest
sub bindir {
    our $bindir;

    return $bindir if defined $bindir;

    my @dirs = sort { ($b =~ m{/(\d+)})[0] <=> ($a =~ m{/(\d+)})[0] }
               grep { m{/\d+(?:\.\d+)?/bin$} } glob '/usr/lib/postgresql/*/bin';

    push @dirs, split /\n/, `pg_config --bindir 2> /dev/null` || '';
    push @dirs, split /:/, $ENV{PATH};

    ($bindir) = grep { -x "$_/initdb" && -x "$_/postgres" } @dirs
        or die "no PostgreSQL server (t/tools/deps.sh test)\n";

    return $bindir;
}


# The server refuses to run as root: (uid, gid) of another user, or nothing.
sub ids {
    return () if $> != 0;

    my ($uid, $gid) = (getpwnam 'nobody')[2, 3];

    die "no user nobody\n" unless defined $uid;

    return ($uid, $gid);
}


# What runs a program as that user, and ends it when this process ends.
sub as_user {
    my ($signal) = @_;
    my ($uid, $gid) = ids();

    return ('setpriv', (defined $uid ? ("--reuid=$uid", "--regid=$gid",
                                        '--clear-groups') : ()),
            (defined $signal ? "--pdeathsig=$signal" : ()), '--');
}


# A directory that this user can reach, and where a socket's name is not too
# long; else one in /tmp.
sub place {
    my ($name) = @_;

    my $dir = Jamhook::Env::tmp() . "/$name";
    my @up = split m{/}, $dir;
    my $far = $> == 0 && grep {
        !((stat(join '/', @up[0 .. $_]))[2] & 1) } 1 .. $#up - 1;

    remove_tree($dir);

    if ($far || length $dir > 80) {
        $dir = File::Temp::tempdir('/tmp/jamhook-pg.XXXXXX');
    }

    make_path($dir);
    chmod 0755, $dir;

    return $dir;
}


sub new {
    my ($class, %opt) = @_;

    my $self = bless {
        %opt, owner => $$, handles => {},
        port => $opt{port} || Jamhook::Env::free_port(),
    }, $class;

    $self->{name} ||= 'pg' . ++$serial;
    $self->{dir} = place($self->{name});
    make_path("$self->{dir}/$_") for qw(data socket);
    chmod 0700, "$self->{dir}/data";
    chmod 0755, "$self->{dir}/socket";

    if ($opt{faults}) {
        require Jamhook::Faults;
        $self->{durable} = 1;
        $self->{faults} = Jamhook::Faults->new("$self->{dir}/data"
            . ($opt{faults} eq '1' ? '' : "/$opt{faults}"),
            place => $self->{dir});
    }

    if (my ($uid, $gid) = ids()) {
        chown $uid, $gid, map { "$self->{dir}/$_" } '', qw(data socket)
            or die "$self->{dir}: $!";
    }

    eval {
        $opt{standby_of} ? $self->copy($opt{standby_of}) : $self->make;
        $self->start unless $opt{stopped};
        $self->synchronous if $opt{sync};
        1;
    } or do {
        my $said = $@;

        $self->end;
        die $said;
    };

    return $self;
}


# One for all tests of a run: JAMHOOK_PG says where, "host=... port=..." or a
# URI. A test that runs alone has its own.
sub shared {
    my ($class) = @_;

    return $shared if $shared;

    if (defined $ENV{JAMHOOK_PG} && length $ENV{JAMHOOK_PG}) {
        my ($host, $port) = $ENV{JAMHOOK_PG} =~ m{^postgres(?:ql)?://
                                (?:[^@/]*@)?([\w.-]+):(\d+)}x;

        ($host) = $ENV{JAMHOOK_PG} =~ /\bhost\s*=\s*(\S+)/
            unless defined $host;
        ($port) = $ENV{JAMHOOK_PG} =~ /\bport\s*=\s*(\d+)/
            unless defined $port;

        die "JAMHOOK_PG: \"$ENV{JAMHOOK_PG}\"" unless defined $port;

        $shared = bless { port => $port, host => $host, foreign => 1,
                          owner => $$, handles => {} }, $class;

    } else {
        $shared = $class->new(name => 'pg');
    }

    $shared->role;

    return $shared;
}


sub port { $_[0]{port} }
sub dir { $_[0]{dir} }
sub data { "$_[0]{dir}/data" }
sub socket { "$_[0]{dir}/socket" }
sub faults { $_[0]{faults} }
sub pid { $_[0]{pid} }
sub log { split /\n/, Jamhook::Env::slurp("$_[0]{dir}/log") }


# Runs one of PostgreSQL's programs as that user.
sub run {
    my ($self, $program, @args) = @_;

    my $pid = open my $out, '-|';
    die "fork: $!" unless defined $pid;

    if ($pid == 0) {
        delete @ENV{qw(LD_PRELOAD JAMHOOK_FAULTS)};
        open STDERR, '>&', \*STDOUT;
        open STDIN, '<', '/dev/null';
        chdir '/';
        exec as_user('KILL'), bindir() . "/$program", @args
            or warn "$program: $!";
        POSIX::_exit(127);
    }

    local $/;
    my $said = <$out>;
    close $out;

    die "$program: " . (defined $said ? $said : '') . "\n" if $?;

    return $said;
}


sub make {
    my ($self) = @_;

    $self->run('initdb', '--no-sync', '-A', 'trust', '-U', 'postgres',
               '-E', 'UTF8', '--locale=C', '-D', $self->data);
    $self->configure;
}


# What stands behind all that initdb wrote.
sub configure {
    my ($self) = @_;

    my $text = Jamhook::Env::slurp($self->data . '/postgresql.conf')
               =~ s/\n# jamhook's tests\n.*//sr;
    my $durable = $self->{durable} ? 'on' : 'off';

    $text .= "\n# jamhook's tests\n" . join "\n",
        "listen_addresses = '127.0.0.1'",
        "port = $self->{port}",
        "unix_socket_directories = '@{[ $self->socket ]}'",
        "fsync = $durable",
        'full_page_writes = ' . $durable,
        'max_connections = 300',
        'shared_buffers = 32MB',
        'min_wal_size = 32MB',
        'checkpoint_timeout = 1d',
        'max_wal_senders = 8',
        'max_replication_slots = 8',
        'hot_standby = on',
        'wal_receiver_status_interval = 1s',
        'wal_retrieve_retry_interval = 100ms',
        "log_line_prefix = '%m [%p] %a '",
        'log_checkpoints = off',
        "log_timezone = 'UTC'",
        "timezone = 'UTC'",
        defined $self->{conf} ? $self->{conf} : (), '';

    # it is theirs already
    open my $fh, '>', $self->data . '/postgresql.conf' or die $!;
    print $fh $text;
    close $fh or die $!;
}


# A copy of another one, that follows it.
sub copy {
    my ($self, $primary) = @_;

    $self->run('pg_basebackup', '--no-sync', '-X', 'stream', '-c', 'fast',
               '-D', $self->data, '-d',
               $primary->conninfo('replication', user => 'postgres'));
    $self->{durable} = $primary->{durable} unless defined $self->{durable};

    # what the primary was told is not its own
    truncate $self->data . '/postgresql.auto.conf', 0 or die $!;
    $self->configure;
    $self->follow($primary);
}


# From its next start on it is a standby of the other one. One that was a primary
# and is behind or beside that is made anew from it.
sub follow {
    my ($self, $primary) = @_;

    $self->stop('immediate') if $self->{pid};

    if (!-e $self->data . '/standby.signal' && $self->{followed}++) {
        remove_tree($self->data, { keep_root => 1 });
        delete $self->{followed};
        return $self->copy($primary);
    }

    $self->{followed} = 1;

    my $line = $primary->conninfo('replication', user => 'postgres')
               =~ s/dbname=\S+/application_name=$self->{name}/r;

    for (['standby.signal', ''],
         ['postgresql.auto.conf', "primary_conninfo = '$line'\n"])
    {
        my ($name, $text) = @$_;

        Jamhook::Env::write_file($self->data . "/$name", $text, 0600);
        chown ids(), $self->data . "/$name" if ids();
    }
}


# The primary waits for this standby with each commit, from now on.
sub synchronous {
    my ($self) = @_;

    my $primary = $self->{standby_of};

    $primary->set(synchronous_standby_names => $self->{name});

    Jamhook::Env::wait_for(sub {
        ($primary->value('postgres', 'select sync_state from'
                         . " pg_stat_replication where application_name ="
                         . " '$self->{name}'") || '') eq 'sync';
    }, 10 * $Jamhook::Env::PATIENCE) or die "no synchronous standby\n";
}


# Ends recovery; it takes writes when this returns.
sub promote {
    my ($self) = @_;

    $self->do('postgres', 'select pg_promote(true, 60)');

    Jamhook::Env::wait_for(sub {
        !$self->value('postgres', 'select pg_is_in_recovery()')
    }, 10 * $Jamhook::Env::PATIENCE) or die "not promoted\n";

    # it has no standby that it could wait for
    $self->set(synchronous_standby_names => '');
}


# Until it takes sessions, unless "wait => 0".
sub start {
    my ($self, %opt) = @_;

    return if $self->{foreign} || $self->{pid};

    my $pid = fork;
    die "fork: $!" unless defined $pid;

    if ($pid == 0) {
        delete @ENV{qw(LD_PRELOAD JAMHOOK_FAULTS)};

        if ($self->{faults}) {
            my %env = $self->{faults}->env;
            @ENV{keys %env} = values %env;
        }

        # no group of its own: what ends the test ends it
        $SIG{$_} = 'DEFAULT' for qw(TERM INT QUIT HUP ALRM CHLD PIPE);
        open STDIN, '<', '/dev/null';
        open STDOUT, '>>', "$self->{dir}/log";
        open STDERR, '>&', \*STDOUT;
        chdir '/';
        exec as_user('QUIT'), bindir() . '/postgres', '-D', $self->data
            or warn "postgres: $!";
        POSIX::_exit(127);
    }

    $self->{pid} = $pid;
    $servers{$self} = $self;
    Scalar::Util::weaken($servers{$self});

    return if defined $opt{wait} && !$opt{wait};

    Jamhook::Env::wait_for(sub { $self->answers || !$self->lives },
                           30 * $Jamhook::Env::PATIENCE);
    $self->answers
        or die "postgres does not start:\n"
               . join("\n", map { defined $_ ? $_ : () } ($self->log)[-20 .. -1])
               . "\n";

    $self->role unless $self->{standby_of} && -e $self->data
                                              . '/standby.signal';
}


sub restart {
    my ($self, $mode) = @_;

    $self->stop($mode);
    $self->start;
}


# whether the process is there; it is our child
sub lives {
    my ($self) = @_;

    return 0 unless $self->{pid};
    return 1 unless waitpid($self->{pid}, POSIX::WNOHANG()) == $self->{pid};

    delete $self->{pid};

    return 0;
}


# whether it takes a session
sub answers {
    my ($self) = @_;

    local $@;
    my $dbh = eval { $self->connect('postgres') } or return 0;
    $dbh->disconnect;

    return 1;
}


# The user of the tests' databases.
sub role {
    my ($self) = @_;

    return if $self->{role}++;

    # another test may do the same at this moment
    $self->do('postgres', q{
        do $$ begin
            if not exists (select from pg_roles where rolname = 'jamhook') then
                create role jamhook login;
            end if;
        exception when duplicate_object or unique_violation then
            null;
        end $$
    });
}


my %SIGNALS = (smart => 'TERM', fast => 'INT', immediate => 'QUIT');

# "fast", "immediate", as pg_ctl has it; until it is gone
sub stop {
    my ($self, $mode) = @_;

    return if !$self->{pid} || $self->{foreign} || $self->{owner} != $$;

    $self->forget;

    # it has to hear it
    kill 'CONT', $self->{pid}, $self->{frozen} ? $self->all : ();
    delete $self->{frozen};
    kill $SIGNALS{$mode || 'fast'}, $self->{pid};
    $self->wait_gone;
}


# All its processes at once, as a machine that goes down would.
sub kill9 {
    my ($self) = @_;

    return if !$self->{pid} || $self->{foreign} || $self->{owner} != $$;

    $self->forget;
    kill 'STOP', $self->{pid};
    kill 'KILL', reverse $self->all;
    $self->wait_gone;
}


sub wait_gone {
    my ($self) = @_;

    my $pid = delete $self->{pid};
    my $until = time + 30 * $Jamhook::Env::PATIENCE;

    while (waitpid($pid, POSIX::WNOHANG()) == 0) {
        if (time > $until) {
            kill 'KILL', reverse $pid, Jamhook::Env::children($pid);
        }

        sleep 0.01;
    }

    # its backends see that it is gone
    Jamhook::Env::wait_for(sub { !$self->others }, 10);
}


# processes that have its directory on their command line, or came from one
sub all {
    my ($self) = @_;

    return ($self->{pid}, Jamhook::Env::children($self->{pid}));
}

# what a dead one has left: the socket is held by them
sub others {
    my ($self) = @_;

    local *STDERR;
    open STDERR, '>', '/dev/null';

    my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                  PeerPort => $self->{port}) or return 0;
    close $s;

    return 1;
}


# As a network that takes packets and gives none back.
sub freeze {
    my ($self) = @_;

    $self->{frozen} = 1;
    kill 'STOP', $self->all;
}


sub thaw {
    my ($self) = @_;

    delete $self->{frozen};
    kill 'CONT', $self->all;
}


sub conninfo {
    my ($self, $db, %opt) = @_;

    my $user = $opt{user} || 'jamhook';
    my $host = $opt{host} || $self->{host} || '127.0.0.1';

    return "host=$host port=$self->{port} dbname=$db user=$user"
           . ' connect_timeout=' . 10 * $Jamhook::Env::PATIENCE;
}


# What stands behind jamhook_store.
sub uri {
    my ($self, $db, %opt) = @_;

    return uri_of($db, $self) . join('&', map { "$_=$opt{$_}" } sort keys %opt)
           =~ s/^(?=.)/?/r;
}


# of several, the one that takes writes
sub uri_of {
    my ($db, @servers) = @_;

    return 'postgresql://jamhook@'
           . join(',', map { ($_->{host} && $_->{host} !~ m{^/} ? $_->{host}
                              : '127.0.0.1') . ":$_->{port}" } @servers)
           . "/$db" . (@servers > 1 ? '?target_session_attrs=read-write' : '');
}


sub connect {
    my ($self, $db, %opt) = @_;

    # a child's copy of a handle never ends the session
    return DBI->connect('dbi:Pg:' . $self->conninfo($db, user => 'postgres',
                                                    %opt) =~ tr/ /;/r, '', '',
                        { RaiseError => 1, PrintError => 0, AutoCommit => 1,
                          PrintWarn => 0, AutoInactiveDestroy => 1,
                          pg_server_prepare => 0 });
}


# A session that stays; one that broke is replaced by the next call.
sub handle {
    my ($self, $db) = @_;

    my $dbh = $self->{handles}{"$$ $db"};

    return $dbh if $dbh && $dbh->{Active};

    return $self->{handles}{"$$ $db"} = $self->connect($db);
}


# the same, if there is one already
sub forget {
    my ($self, $db) = @_;

    for (grep { /^$$ / && (!defined $db || $_ eq "$$ $db") }
         keys %{ $self->{handles} })
    {
        my $dbh = delete $self->{handles}{$_};
        eval { $dbh->disconnect } if $dbh;
    }
}


# code with the session; dies where it did
sub with {
    my ($self, $db, $code) = @_;

    my $dbh = $self->handle($db);
    my @got = eval { $code->($dbh) };

    if (my $said = $@) {
        $self->forget($db) unless $dbh->ping;
        die $said;
    }

    return wantarray ? @got : $got[0];
}


sub rows {
    my ($self, $db, $sql) = @_;

    return $self->with($db, sub {
        @{ $_[0]->selectall_arrayref($sql, { Slice => {} }) } });
}


sub row { ($_[0]->rows(@_[1, 2]))[0] }


sub value {
    my ($self, $db, $sql) = @_;

    my ($row) = $self->with($db, sub { $_[0]->selectall_arrayref($sql) });

    return @$row ? $row->[0][0] : undef;
}


# statements, that give no rows
sub do {
    my ($self, $db, $sql) = @_;

    return scalar $self->with($db, sub { $_[0]->do($sql) });
}


sub createdb {
    my ($self, $db) = @_;

    $self->do('postgres', "create database \"$db\" owner jamhook");
}


# with all its sessions
sub dropdb {
    my ($self, $db) = @_;

    $self->forget($db);
    $self->do('postgres', "drop database if exists \"$db\" with (force)");
}


# Ends the sessions of a database, or of all, but for ours, and waits until they
# are gone; how many there were.
sub terminate {
    my ($self, $db) = @_;

    my $where = defined $db ? " and datname = '$db'" : '';
    my @pids = map { $_->{pid} } $self->rows('postgres', 'select pid,'
        . ' pg_terminate_backend(pid) as done from pg_stat_activity where'
        . " usename = 'jamhook'$where");

    Jamhook::Env::wait_for(sub { !grep { Jamhook::Env::is_running($_) } @pids });

    return scalar @pids;
}


# Of the whole server, told to all sessions; an empty value is an empty one.
sub set {
    my ($self, %set) = @_;

    for (sort keys %set) {
        $self->do('postgres', defined $set{$_}
                  ? "alter system set $_ = '$set{$_}'"
                  : "alter system reset $_");
    }

    $self->do('postgres', 'select pg_reload_conf()');

    # it is told by a signal
    for my $name (grep { defined $set{$_} } keys %set) {
        Jamhook::Env::wait_for(sub {
            $self->value('postgres', 'select pending_restart or setting ='
                . " '$set{$name}' from pg_settings where name = '$name'") });
    }
}


# and its files
sub end {
    my ($self) = @_;

    return if $self->{foreign} || $self->{owner} != $$;

    $self->stop('immediate');
    delete $servers{$self};

    # one that was killed leaves a small piece of shared memory
    my (undef, $id) = split ' ',
        (split /\n/, Jamhook::Env::slurp($self->data . '/postmaster.pid'))[6]
        || '';
    shmctl $id, 0, 0 if defined $id;

    if ($self->{dir} =~ m{^/tmp/jamhook-pg}) {
        remove_tree($self->{dir});

    } else {
        remove_tree("$self->{dir}/data") if -d "$self->{dir}/data";
    }
}


sub DESTROY {
    my ($self) = @_;

    local ($?, $@, $!);
    $self->forget;
    $self->end;
}


END {
    my $status = $?;

    $_ && $_->end for values %servers;
    $? = $status;
}


1;
