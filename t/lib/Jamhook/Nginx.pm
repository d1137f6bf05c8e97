package Jamhook::Nginx;

# An nginx for tests that need more than a block: reload, shutdown, several at
# once.
#
#   use lib 't/lib';
#   use Test::More;
#   use Jamhook::Nginx;
#
#   my $target = Jamhook::Target->new('hang');
#   my $nginx = Jamhook::Nginx->new(server => q{
#       location = /jam { jamhook_pass fin; jamhook_verify keys/P1.key; }
#       ...  proxy_pass http://127.0.0.1:%{target};
#   }, target => $target->port);
#
#   my $answer = $nginx->send(Jamhook::event(body => '...'));
#   is $answer->{status}, 200;
#   $nginx->reload;
#   $nginx->ends_well;          QUIT, and the checks that every block has
#   done_testing;
#
# new: main, events, http, server (texts of the configuration), workers (1),
# connections (256), level ("info"), name. Any other name => value stands for
# %{name}; %{port}, %{dir}, %{refused}, %{crt}, %{crt_key} are there already.
# "store => 1", its parameters, or one that there is already, adds a store:
# $nginx->store is a Jamhook::Store. "faults => 1" runs nginx with faults in the
# store's directory: $nginx->faults is a Jamhook::Faults. Where the store is
# PostgreSQL's it has a server of its own then, which is run with them too, but
# for "pg => { faults => 0 }"; "pg => { ... }" is for a server of its own, with
# these parameters.
#
# What happens to an nginx: reload, stop, kill_worker, kill_all, upgrade; after
# stop and kill_all, start. break_store and mend_store: its disk fails, or its
# server is away, and it comes back.
#
# It listens on 127.0.0.1:%{port}, and unless "listen => 0" the text "server"
# goes into a server of that port. Stopped when it goes out of scope.

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use Test::More ();
use Time::HiRes qw(time sleep);

use Jamhook ();
use Jamhook::Env;
use Jamhook::Target;

my $serial = 0;
my $servers = 0;


# only the helpers of Jamhook, not its blocks
sub import {
    Jamhook::Env::tmp();
    strict->import;
    warnings->import;
}


sub new {
    my ($class, %opt) = @_;

    my $self = bless { %opt, owner => $$ }, $class;

    $self->{dir} = Jamhook::Env::tmp() . '/'
                   . ($opt{name} || 'nginx' . ++$serial);
    $self->{port} ||= Jamhook::Env::free_port();
    $self->{refused} = Jamhook::Env::refused_port();
    ($self->{crt}, $self->{crt_key}) = Jamhook::Env::certificate();

    Jamhook::Env::write_file("$self->{dir}/logs/error.log", '', 0644);
    Jamhook::Env::write_keys("$self->{dir}/keys");

    if ($opt{store} || $opt{faults}) {
        require Jamhook::Store;

        my $pg;

        if ($Jamhook::Env::STORE eq 'pgsql' && ($opt{pg} || $opt{faults})) {
            require Jamhook::Pg;
            $pg = Jamhook::Pg->new(faults => $opt{faults}, %{ $opt{pg} || {} },
                                   name => "pg-$$-" . ++$servers);
        }

        $self->{store} = ref $opt{store} ? $opt{store}
            : Jamhook::Store->new("$self->{dir}/store", server => $pg,
                  params => ($opt{store} || 1) eq '1' ? '' : $opt{store});
        $self->{store_line} = $self->{store}->line if $opt{store};
        $self->{faults} = $pg->faults if $pg;
    }

    if ($opt{faults} && !ref $self->{faults}) {
        require Jamhook::Faults;
        $self->{faults} = Jamhook::Faults->new("$self->{dir}/store");
    }

    $self->configure;
    $self->start unless $opt{stopped};

    return $self;
}


sub port { $_[0]{port} }
sub dir { $_[0]{dir} }
sub store { $_[0]{store} }
sub faults { $_[0]{faults} }
sub pg { $_[0]{store}->server }


# Writes the configuration, with these texts or values replaced.
sub configure {
    my ($self, %change) = @_;

    @$self{keys %change} = values %change;

    my %text = map { $_ => defined $self->{$_} ? $self->{$_} : '' }
               qw(main events http server);
    my $user = $> == 0 ? 'user root;' : '';
    my $module = $self->{no_module} || !$Jamhook::Env::MODULE ? ''
                 : "load_module $Jamhook::Env::MODULE;";
    my $server = defined $self->{listen} && !$self->{listen} ? '' : qq{
    server {
        listen 127.0.0.1:%{port};
$text{server}
    }};

    my $conf = qq{
$user
$module
worker_processes @{[ $self->{workers} || 1 ]};
error_log logs/error.log @{[ $self->{level} || 'info' ]};
@{[ $Jamhook::Env::UNDER eq 'valgrind' ? 'error_log logs/notice.log notice;'
                                       : '' ]}
pid nginx.pid;
env ASAN_OPTIONS;
@{[ $self->{faults} ? "env LD_PRELOAD;\nenv JAMHOOK_FAULTS;" : '' ]}
$text{main}
events {
    worker_connections @{[ $self->{connections} || 256 ]};
$text{events}
}
http {
    access_log logs/access.log;
    client_body_temp_path temp/body;
    proxy_temp_path temp/proxy;
    fastcgi_temp_path temp/fastcgi;
    uwsgi_temp_path temp/uwsgi;
    scgi_temp_path temp/scgi;
    @{[ $self->{store_line} || '' ]}
$text{http}
$server
}
};

    $conf =~ s/%\{(\w+)\}/
        defined $self->{$1} ? $self->{$1} : die "no value for %{$1}"/ge;

    mkdir "$self->{dir}/temp";
    Jamhook::Env::write_file("$self->{dir}/nginx.conf", $conf);
}


sub command {
    my ($self, @args) = @_;

    my $said = '';
    my $pid = open my $out, '-|';

    die "fork: $!" unless defined $pid;

    if ($pid == 0) {
        open STDERR, '>&', \*STDOUT;
        $self->preload if $self->{faults};
        exec $Jamhook::Env::NGINX, '-e', 'logs/error.log', '-p',
             "$self->{dir}/", '-c', 'nginx.conf', @args;
        die "exec: $!";
    }

    local $/;
    $said = <$out>;
    close $out;

    return ($?, $said);
}


# The environment that has the faults in it. A sanitizer's library stands before
# all others, also where nginx itself is built for it; but not where allocations
# are to fail.
sub preload {
    my ($self) = @_;

    my @before = split ' ', $ENV{JAMHOOK_PRELOAD} || '';

    if ($self->{memory}) {
        $ENV{JAMHOOK_ASAN} = 'verify_asan_link_order=0';

    } elsif ($Jamhook::Env::UNDER eq 'palloc') {
        @before = map { `cc -print-file-name=$_` =~ s/\n//r }
                  qw(libasan.so libubsan.so);
    }

    my %env = $self->{faults}->env(@before);

    # t/tools/under.sh sets the one to the other
    $ENV{JAMHOOK_PRELOAD} = $env{LD_PRELOAD};
    delete $env{LD_PRELOAD} if $Jamhook::Env::UNDER;

    %ENV = (%ENV, %env);
}


# (true, what it said)
sub test {
    my ($self) = @_;

    my ($status, $said) = $self->command('-t');

    return ($status == 0, $said);
}


sub start {
    my ($self) = @_;

    my ($status, $said) = $self->command();

    die "nginx does not start:\n$said" if $status;

    Jamhook::Env::wait_for(sub {
        my ($pid) = Jamhook::Env::slurp("$self->{dir}/nginx.pid") =~ /^(\d+)/;
        $self->{pid} = $pid;
        $pid && $self->workers == ($self->{workers} || 1);
    }) or die "nginx does not come up";

    return $self->{pid};
}


sub pid { $_[0]{pid} }


# pids of the workers; without "all" of those that take connections
sub workers {
    my ($self, $all) = @_;

    return Jamhook::Env::workers($self->{pid}, "$self->{dir}/logs/notice.log",
                                 $all);
}


# The worker that sends this request, while a target has not answered it.
sub sender {
    my ($self, $request) = @_;

    my $from = sprintf ':%04X', $request->{from} || return;
    my %inode;

    for (split /\n/, Jamhook::Env::slurp('/proc/net/tcp')) {
        my @column = split ' ';
        $inode{"socket:[$column[9]]"} = 1 if $column[1] =~ /\Q$from\E$/;
    }

    my ($pid) = grep {
        grep { $inode{readlink $_ || ''} } glob "/proc/$_/fd/*"
    } $self->workers('all');

    return $pid;
}


sub signal {
    my ($self, $signal, $pid) = @_;

    return kill $signal, $pid || $self->{pid};
}


# HUP with a changed configuration, until the new workers are there. False: they
# did not come.
sub reload {
    my ($self, %change) = @_;

    my %old = map { $_ => 1 } $self->workers;

    $self->configure(%change);
    $self->signal('HUP');

    return Jamhook::Env::wait_for(sub {
        my @new = $self->workers;
        @new >= ($self->{workers} || 1) && !grep { $old{$_} } @new;
    });
}


# Kills a worker, any without a pid, and waits until as many as before are there
# again unless "wait => 0"; its pid.
sub kill_worker {
    my ($self, $pid, %opt) = @_;

    my @workers = $self->workers;

    $pid ||= $workers[rand @workers] || return;
    $self->signal('KILL', $pid);

    Jamhook::Env::wait_for(sub {
        my @now = $self->workers;
        @now >= @workers && !grep { $_ == $pid } @now;
    }) if !defined $opt{wait} || $opt{wait};

    return $pid;
}


# Kills all processes at once, as a machine that goes down would, and waits until
# they are gone; their pids, the master's first.
sub kill_all {
    my ($self) = @_;

    my $pid = delete $self->{pid} or return;

    # so that it replaces none of them while they are counted
    kill 'STOP', $pid;
    Jamhook::Env::wait_for(sub {
        Jamhook::Env::slurp("/proc/$pid/stat") !~ /\) [RSD] / });

    my @all = map { ($_, Jamhook::Env::children($_)) }
              $pid, grep { Jamhook::Env::is_running($_) }
                     @{ delete $self->{old} || [] };

    kill 'KILL', @all;
    Jamhook::Env::wait_for(sub {
        !grep { Jamhook::Env::is_running($_) } @all });
    unlink "$self->{dir}/nginx.pid";

    return @all;
}


sub break_store {
    my ($self) = @_;

    $self->{store}->pgsql ? $self->pg->stop('immediate')
                          : $self->faults->set(sync => 'EIO');
}


sub mend_store {
    my ($self) = @_;

    $self->{store}->pgsql ? $self->pg->start : $self->faults->clear;
}


# A new master by USR2, from the same binary, and QUIT to the old one; true when
# the new one is there, and does not wait for the old workers.
sub upgrade {
    my ($self) = @_;

    my $old = $self->{pid};
    my $new;

    $self->signal('USR2');

    Jamhook::Env::wait_for(sub {
        ($new) = Jamhook::Env::slurp("$self->{dir}/nginx.pid") =~ /^(\d+)/;
        return 0 if !$new || $new == $old
                    || !-e "$self->{dir}/nginx.pid.oldbin";
        local $self->{pid} = $new;
        return $self->workers == ($self->{workers} || 1);
    }, 10 * $Jamhook::Env::PATIENCE) or return 0;

    $self->{pid} = $new;
    push @{ $self->{old} }, $old;

    return $self->signal('QUIT', $old);
}


# QUIT (or TERM), until all processes are gone; false: it had to be killed.
sub stop {
    my ($self, $signal, $seconds) = @_;

    return 1 if !$self->{pid} || $self->{owner} != $$;

    my $pid = delete $self->{pid};

    return 1 if !Jamhook::Env::is_running($pid);
    return Jamhook::Env::stop_nginx($pid, $signal || 'QUIT', $seconds);
}


# One test: it ends by QUIT, and its log has no alert, crit or emerg, but for
# those expected.
sub ends_well {
    my ($self, %opt) = @_;

    my $stopped = $self->stop($opt{signal}, $opt{seconds});
    my @faults = Jamhook::Env::faults([$self->log], @{ $opt{expected} || [] });

    unshift @faults, "it did not end and was killed" unless $stopped;

    rename $_, s/under/found/r for glob "$Jamhook::Env::TMP/under.*";

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    Jamhook::report($opt{name} || 'nginx ends well', @faults);
}


sub log { split /\n/, Jamhook::Env::slurp("$_[0]{dir}/logs/error.log") }
sub access { split /\n/, Jamhook::Env::slurp("$_[0]{dir}/logs/access.log") }


# how many lines of the error log match
sub logged {
    my ($self, $pattern) = @_;

    return scalar grep { Jamhook::Env::matches($_, $pattern) } $self->log;
}


sub wait_log {
    my ($self, $pattern, $seconds) = @_;

    return Jamhook::Env::wait_for(sub { $self->logged($pattern) }, $seconds);
}


sub wait_for {
    my ($self, $code, $seconds) = @_;

    return Jamhook::Env::wait_for(\&$code, $seconds);
}


# A connection to it.
sub connect {
    my ($self) = @_;

    return IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                 PeerPort => $self->{port}, Proto => 'tcp')
           || die "connect: $!";
}


# Until it has accepted all connections, and read all that clients have sent:
# what is with the kernel still may come to another worker, or to none.
sub taken {
    my ($self) = @_;

    my $port = sprintf '%04X', $self->{port};

    return Jamhook::Env::wait_for(sub {
        # there may be tens of thousands of others
        for (grep { index($_, ":$port ") >= 0 }
             split /\n/, Jamhook::Env::slurp('/proc/net/tcp'))
        {
            my (undef, $local, $remote, $state, $queues) = split ' ';
            my ($out, $in) = map { hex } split /:/, $queues;

            # an end of the stream counts as one
            return 0 if $local =~ /:$port$/ && $in > ($state eq '08' ? 1 : 0)
                        || $remote =~ /:$port$/ && $out;
        }

        return 1;
    });
}


# Sends the bytes of a request, and reads the answer until the end of the
# connection or its Content-Length: { status, headers, body, raw }. Status 0:
# there was none in time.
sub send {
    my ($self, $bytes, $seconds) = @_;

    my $s = $self->connect;

    local $SIG{PIPE} = 'IGNORE';

    for my $piece (ref $bytes ? @$bytes : $bytes) {
        print $s $piece;
        $s->flush;
        sleep 0.02 if ref $bytes;
    }

    return $self->read($s, $seconds);
}


sub read {
    my ($self, $s, $seconds) = @_;

    my $until = time + ($seconds || 15 * $Jamhook::Env::PATIENCE);
    my $select = IO::Select->new($s);
    my $raw = '';

    while (1) {
        last if $raw =~ /\A.*?\r\n\r\n/s
                && $& =~ /^content-length: (\d+)/im
                && length($raw) >= length($&) + 0
                && length($raw) - index($raw, "\r\n\r\n") - 4 >= $1;

        my $left = $until - time;
        last if $left <= 0 || !$select->can_read($left);

        my $n = sysread $s, $raw, 65536, length $raw;
        last unless $n;
    }

    my ($head, $body) = split /\r\n\r\n/, $raw, 2;
    my ($status) = ($head || '') =~ m{\AHTTP/1\.[01] (\d+)};
    my %headers = map { /^([^:]+):\s*(.*)$/ ? (lc $1 => $2) : () }
                  split /\r\n/, $head || '';

    return { status => $status || 0, headers => \%headers, raw => $raw,
             body => defined $body ? $body : '' };
}


sub get {
    my ($self, $path) = @_;

    return $self->send("GET $path HTTP/1.1\r\nHost: localhost\r\n"
                       . "Connection: close\r\n\r\n");
}


sub DESTROY {
    my ($self) = @_;

    local ($?, $@, $!);
    $self->stop('TERM');
}


1;
