/** What `ofproto/trace` of Open vSwitch 3.1 printed, recorded; the long lines of flow and megaflow are left out. */

/** br-sfc gives it to br-hbn through a patch port, where a flow drops nothing and no flow matches. */
export const missBeyondPatch = `Flow: udp,in_port=3,vlan_tci=0x0000,dl_src=00:00:00:00:00:00

bridge("br-sfc")
----------------
 0. in_port=3, priority 100, cookie 0x5cda
    output:5

bridge("br-hbn")
----------------
 0. reg0=0x2, priority 0
    drop

Final flow: unchanged
Megaflow: recirc_id=0,eth,ip,in_port=3,nw_frag=no
Datapath actions: drop
`;

export const noMatch = `bridge("br-sfc")
----------------
 0. No match.
    drop

Final flow: unchanged
Megaflow: recirc_id=0,eth,ip,in_port=4,nw_frag=no
Datapath actions: drop
`;

/** A port that is configured not to receive. */
export const noReceive = `bridge("br-sfc")
----------------
 0. in_port=1, priority 100, cookie 0x5cda

Final flow: unchanged
Megaflow: recirc_id=0,eth,ip,in_port=1,nw_frag=no
Datapath actions: drop
`;

/** A resubmission in the middle, after which the outer table goes on. */
export const learning = `bridge("br-sfc")
----------------
 0. in_port=4,dl_vlan=8, priority 120
    write_metadata:0x11
    goto_table:10
10. priority 10
    learn(table=13,hard_timeout=60,priority=10,cookie=0x99,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],load:NXM_OF_IN_PORT[]->NXM_NX_REG0[0..15])
     >> suppressing side effects, so learn action ignored
    resubmit(,13)
    13. No match.
            drop
    goto_table:14
14. priority 10
    output:1
     -> OFPPC_NO_FWD set, skipping output
    output:2

Final flow: udp,metadata=0x11,in_port=4
Megaflow: recirc_id=0,eth,ip,in_port=4,dl_vlan=8
Datapath actions: 4
`;

/** An output in the middle enters the peer bridge nested; the last action enters it again, behind. */
export const nestedPeers = `bridge("br-sfc")
----------------
 0. udp,in_port=3, priority 710
    set_field:0x2/0xffff->reg0
    write_metadata:0x5
    goto_table:14
14. reg0=0x2, priority 30
    output:NXM_NX_REG0[0..15]
     -> output port is 2
    output:5

    bridge("br-hbn")
    ----------------
         0. udp,in_port=9, priority 800
            output:9
             >> skipping output to input port
            output:1
    IN_PORT
    ALL
     -> OFPPC_NO_FWD set, skipping output

bridge("br-hbn")
----------------
 0. udp,in_port=9, priority 800
    output:9
     >> skipping output to input port
    output:1

Final flow: udp,reg0=0x2,metadata=0x5,in_port=3
Megaflow: recirc_id=0,eth,udp,in_port=3,nw_frag=no
Datapath actions: 4,7,5,6,1,7,4
`;

/** Connection tracking: the second pass says that it is in the first bridge, and is in the second. */
export const recirculated = `bridge("br-sfc")
----------------
 0. in_port=3, priority 100, cookie 0x5cda
    output:5

bridge("br-hbn")
----------------
 0. ip,in_port=9, priority 200
    ct(table=1)
    drop
     -> A clone of the packet is forked to recirculate. The forked pipeline will be resumed at table 1.
     -> Sets the packet to an untracked state, and clears all the conntrack fields.

Final flow: unchanged
Megaflow: recirc_id=0,eth,ip,in_port=3,nw_frag=no
Datapath actions: ct,recirc(0x1)

===============================================================================
recirc(0x1) - resume conntrack with default ct_state=trk|new (use --ct-next to customize)
===============================================================================

Flow: recirc_id=0x1,ct_state=new|trk,eth,udp,in_port=9

bridge("br-sfc")
----------------
    thaw
        Resuming from table 1
 1. priority 32768
    output:1

Final flow: unchanged
Megaflow: recirc_id=0x1,eth,ip,in_port=9,nw_frag=no
Datapath actions: 7
`;

export const noPeer = `bridge("br-sfc")
----------------
 0. in_port=3, priority 100, cookie 0x5cda
    output:5

Final flow: unchanged
Megaflow: recirc_id=0,eth,ip,in_port=3,nw_frag=no
Datapath actions: drop
`;

export const circle = `bridge("br-hbn")
----------------
 0. udp,in_port=9, priority 400
    resubmit(,0)
 0. udp,in_port=9, priority 400
    resubmit(,0)
     >>>> over max translation depth 64 <<<<

Final flow: unchanged
Megaflow: recirc_id=0,eth,udp,in_port=3,nw_frag=no
Datapath actions: drop
`;

export const badOutputs = `bridge("br-sfc")
----------------
 0. in_port=4, priority 110
    output:4
     >> skipping output to input port
    output:77
     >> Nonexistent output port

Final flow: unchanged
Megaflow: recirc_id=0,eth,ip,in_port=4
Datapath actions: drop
`;
