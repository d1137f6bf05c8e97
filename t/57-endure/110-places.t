# The store's directory: another one in its place, and whose it is.

use lib 't/lib', 't/57-endure';
use Test::More;
use Time::HiRes qw(time);
use Jamhook::Nginx;
use Endure;
use Trouble qw($CRIT $WELL);

my $PATIENCE = $Jamhook::Env::PATIENCE;

sub answer {
    my ($nginx, $id) = @_;

    return $nginx->send(Jamhook::event(body => '{"a":1}', id => $id));
}

# what a process has open below a directory, that is there still
sub opened {
    my ($pid, $dir) = @_;

    return sort grep { m{^\Q$dir\E/[^/]+$} && -e }
           map { readlink || '' } glob "/proc/$pid/fd/*";
}

# a copy takes the place of the directory, as a backup that is restored

{
    my $target = Jamhook::Target->new('200');
    my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
        name => 'copy', workers => 2, server => ingest('e')
        . endpoint('e', 'jamhook_retry 10m 10m;'));
    my $dir = $nginx->store->dir;
    my @workers = $nginx->workers;
    my $n = 0;

    ok $nginx->wait_for(sub { 2 == (() = $nginx->store->locks) }),
       'two workers have a store';
    is answer($nginx, 'before')->{status}, 200, '... which takes events';
    $nginx->store->idle;

    # longer than it takes to look for dead workers
    $target->set('200 delay=4s');
    answer($nginx, 'long');
    $target->wait(2);
    $target->set('200');

    is system('cp', '-a', $dir, "$dir.copy"), 0, '... and is copied';
    my $time = time;
    rename $dir, "$dir.old" or die $!;
    rename "$dir.copy", $dir or die $!;

    # one after the other, so that neither worker is left out for long
    my $well = 0;

    ok $nginx->wait_for(sub {
           my @at = map { scalar grep { m{/(?:worker\.\w+|jamhook\.db)$} }
                                 opened($_, $dir) } @workers;

           $well = answer($nginx, 'c' . ++$n)->{status} == 200 ? $well + 1 : 0;
           return $well >= 10 && !grep { $_ < 2 } @at;
       }, 3 + 3 * $PATIENCE),
       '... when the copy takes its place both workers go on in it, soon'
       or diag explain [map { opened($_, $dir) } @workers];
    cmp_ok time - $time, '<', 3 * $PATIENCE + 6, '... and answer';

    like answer($nginx, 'stored')->{body}, qr/"stored"/,
         '... events are stored';
    is $nginx->store->value("select count(*) from events where id = 'stored'"),
       1, '... in it';
    like answer($nginx, 'before')->{body}, qr/"duplicate"/,
         '... and it knows what came before';
    is scalar(() = $nginx->store->locks), 2, '... each worker has one file';

    ok $nginx->store->idle(10 * $PATIENCE), '... all is delivered';
    is_deeply [grep { $_ != 1 } values %{ arrived($target) }], [],
              '... once, also what was under way';
    is $nginx->store->value('select count(*) from attempts where result <> 0'),
       0, '... no attempt is interrupted';
    is $nginx->store->check, 'ok', '... from a store that is whole';
    is $nginx->logged(qr/newly made/), 1, '... which was not made anew';
    is $nginx->logged($CRIT), 1, '... one line tells of the trouble';
    ok $nginx->wait_for(sub { $nginx->logged($WELL) == 1 }),
       '... and one of its end';
    is_deeply [sort $nginx->workers], [sort @workers],
              '... no worker has died';
    $nginx->ends_well(expected => [$CRIT]);
}

# directories of others

SKIP: {
    skip 'only the superuser gives directories away', 1 if $> != 0;
    skip 'there is no user nobody', 1 unless defined getpwnam 'nobody';

    my ($uid, $gid) = (getpwnam 'nobody')[2, 3];
    my $group = getgrgid $gid;
    my $target = Jamhook::Target->new('200');
    my $WARN = qr/\[warn\].*directory ".*" in "jamhook_store" cannot be used/;

    # an nginx of that user, and a store of root that has these files in it
    sub place {
        my ($name, @files) = @_;

        my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
            name => $name, stopped => 1, server => ingest('e')
            . endpoint('e') . 'location = /other { return 204; }');
        my $conf = $nginx->dir . '/nginx.conf';

        Jamhook::Env::write_file($conf, Jamhook::Env::slurp($conf)
            =~ s/user root;/user nobody $group;/r . "\n");
        Jamhook::Env::write_file($nginx->store->dir . "/$_", 'x') for @files;

        return $nginx;
    }

    sub owner { return (stat $_[0]->store->dir)[4] }

    # somebody else's

    {
        my $nginx = place('others', 'letter');
        my ($ok, $said) = $nginx->test;

        ok $ok, 'a directory of root with other files: nginx -t is content';
        like $said, $WARN, '... but warns';
        like $said, qr/taking it over failed.*not empty/i, '... and says why';
        is owner($nginx), 0, '... the directory stays root\'s';

        ok eval { $nginx->start }, '... nginx starts';
        ok $nginx->wait_log($WARN), '... and warns';
        is owner($nginx), 0, '... the directory stays root\'s';
        is sprintf('%o', (stat $nginx->store->dir)[2] & 07777), '700',
           '... its mode the same';

        my $answer;
        ok $nginx->wait_for(sub { is_problem($answer = answer($nginx, 'o1')) }),
           '... events get 503' or diag explain $answer;
        is $nginx->get('/other')->{status}, 204, '... the rest answers';
        is_deeply [map { s{.*/}{}r } glob $nginx->store->dir . '/*'],
                  ['letter'], '... nothing is put into it';

        chown $uid, -1, $nginx->store->dir or die $!;
        ok $nginx->wait_for(sub { answer($nginx, 'o2')->{status} == 200 },
                            2 + 3 * $PATIENCE),
           '... when it is given to nginx\'s user by hand events are taken';
        $nginx->store->idle;
        ok +($nginx->test)[1] !~ $WARN, '... and nginx -t warns no more';
        $nginx->ends_well(expected => [$CRIT]);
    }

    # nobody's, or a store

    for my $case (['empty'], ['volume', 'lost+found/.keep'],
                  ['store', 'jamhook.db'])
    {
        my ($name, @files) = @$case;
        my $nginx = place($name, @files);

        # an empty file is what a store begins as
        Jamhook::Env::write_file($nginx->store->file, '') if $name eq 'store';

        my ($ok, $said) = $nginx->test;
        ok $ok, "a directory of root, $name: nginx -t is content";
        unlike $said, $WARN, '... and does not warn';
        is owner($nginx), $uid, '... nginx\'s user has it';

        # the file inside is another thing
        chown $uid, -1, $nginx->store->file or die $! if $name eq 'store';

        chown 0, 0, $nginx->store->dir or die $!;
        $nginx->start;
        is owner($nginx), $uid, '... the start gives it to that user too';

        my @up = split m{/}, $nginx->store->dir;
        SKIP: {
            skip 'nobody cannot reach the directory', 1
                if grep { !((stat join '/', @up[0 .. $_])[2] & 1) }
                   1 .. $#up - 1;
            ok $nginx->wait_for(sub { answer($nginx, 'p')->{status} == 200 }),
               '... and events are taken';
            $nginx->store->idle;
        }

        is $nginx->logged($WARN), 0, '... without a warning';
        $nginx->ends_well(name => "nginx ends well, $name");
    }
}

done_testing;
